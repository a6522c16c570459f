DROP TABLE setting_values;
