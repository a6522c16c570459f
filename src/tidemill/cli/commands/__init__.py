"""One module for each noun or verb that people type after `tidemill`."""
