"""WACZ packages: chosen captures with index, page list and digests in one file.

https://specs.webrecorder.net/wacz/1.1.1/
"""
