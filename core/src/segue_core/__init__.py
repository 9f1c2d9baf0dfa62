"""The vocabulary Segue's services share: models, Redis schema, store, settings, logging, metrics, health."""
