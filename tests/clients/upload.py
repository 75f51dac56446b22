"""Uploads a file with tuspy: upload.py ENDPOINT FILE CHUNK_BYTES. Prints the upload's URL."""

import os
import sys

from tusclient import client

endpoint, path, chunk_bytes = sys.argv[1:]
uploader = client.TusClient(endpoint).uploader(
    path, chunk_size=int(chunk_bytes), metadata={"filename": os.path.basename(path)}
)
uploader.upload()
print(uploader.url)
