"""What people do with due times: look at them, fill ranges, run one now."""
