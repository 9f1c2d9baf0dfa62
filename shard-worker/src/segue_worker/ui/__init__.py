"""How Segue looks and speaks in Discord: views become embeds, buttons and sentences."""
