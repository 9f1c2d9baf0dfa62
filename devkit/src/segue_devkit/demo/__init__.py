"""The demo: a page on which one asks for songs and hears what the bot sends to Discord."""
