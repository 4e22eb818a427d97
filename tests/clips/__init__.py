"""Simulated people before a simulated camera, made at test time from still pictures of real people.

SIMULATIONS: a picture on a made-up head surface, turned and blinked by program. They show that the code does what it
should with pictures that move as a head moves, and with pictures that do not. What they cannot show is how often a real
person is turned away, or a real attack let in. No picture and no clip is committed.
"""
