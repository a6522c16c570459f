"""What an assistant may know of the board, made of the live schema and the code that runs."""
