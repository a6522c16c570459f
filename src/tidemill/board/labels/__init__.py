"""Labels: words with a colour that items bear."""
