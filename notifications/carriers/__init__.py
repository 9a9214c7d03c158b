"""The ways out: each module is one carrier behind the protocol of `base`."""
