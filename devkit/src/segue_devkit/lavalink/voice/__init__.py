"""The client side of Discord's voice: WebSocket v8, UDP discovery, encrypted RTP every 20 ms."""
