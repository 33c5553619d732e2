"""The other ways to differentiate, independent of Wengert's rules: to compare with, and to check against."""
