"""Side-by-side measurements; they print what they compare with, and gate nothing."""
