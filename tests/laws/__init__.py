"""Laws: what every primitive must obey, checked on every sample of every record in the registry."""
