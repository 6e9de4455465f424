"""What files hold: format, compression, columns. Pure functions over the heads of files."""
