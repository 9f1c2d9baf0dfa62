"""The audio router's API, one package a version."""
