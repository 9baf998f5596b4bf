"""HTTP and websockets: webhooks of the phone network, media streams, and the APIs."""
