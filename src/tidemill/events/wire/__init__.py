"""The live protocol on the wire: protobuf and JSON, one schema for both."""

from tidemill.events.wire.encoders import Encoder, Format, encoder_for
from tidemill.events.wire.incoming import Incoming, read_frame

__all__ = ["Encoder", "Format", "Incoming", "encoder_for", "read_frame"]
