"""The database engine, migrations and the bus: what every feature stores itself with."""
