"""What runs inside the guarded child process: the only code that touches untrusted media.

Only `analysis.media.guard` starts it, and nothing outside this folder imports PyAV.
"""
