"""Generated from proto/tidemill/v1/messages.proto; `make proto` writes it anew."""
