"""The phone network: media streams, TwiML, REST, conference control and signatures, as Twilio speaks them."""
