"""Image files without their metadata: only what the pixels depend on reaches a decoder.

Viewers ignore metadata that they cannot read; decoders often refuse the file. So each module here
reads one container format as browsers do, and returns a file without anything else, with what must
be applied to its pixels (`Prepared`).
"""
