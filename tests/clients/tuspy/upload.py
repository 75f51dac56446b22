"""Uploads files with tuspy, one after the other, and prints the URL of each."""

import argparse
import os
import sys

from tusclient.client import TusClient
from tusclient.storage.filestorage import FileStorage

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("endpoint")
parser.add_argument("files", nargs="+")
parser.add_argument("--chunk-bytes", type=int, default=sys.maxsize)
parser.add_argument("--checksum", action="store_true", help="send one with each chunk")
parser.add_argument("--urls", help="where URLs are kept, to go on with in another process")
arguments = parser.parse_args()

for file in arguments.files:
    uploader = TusClient(arguments.endpoint).uploader(
        file,
        chunk_size=arguments.chunk_bytes,
        metadata={"filename": os.path.basename(file)},
        store_url=arguments.urls is not None,
        url_storage=FileStorage(arguments.urls) if arguments.urls else None,
        upload_checksum=arguments.checksum,
        # Without these it never tries again. It counts failures, however far it has come between them.
        retries=100,
        retry_delay=0.2,
    )
    uploader.upload()
    print(uploader.url, flush=True)
