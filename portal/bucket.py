"""Files in a bucket of an S3 server; its address and its keys are in the usual variables of AWS."""

import base64
import hashlib
import os
import tempfile
from contextlib import contextmanager
from functools import cache

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from portal.folder import Unavailable


@contextmanager
def said():
    """What the server says when it fails, in a word: its own sentences may hold an address or a key."""
    try:
        yield
    except ClientError as error:
        raise Unavailable(error.response["Error"]["Code"]) from None
    except (BotoCoreError, OSError) as error:
        raise Unavailable(type(error).__name__) from None


@cache
def client(attempts=3):
    """One for the process: its threads share it."""
    own_server = os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL")
    config = Config(
        connect_timeout=2,
        read_timeout=20,
        retries={"mode": "standard", "total_max_attempts": attempts},
        s3={"addressing_style": "path" if own_server else "auto"},
        request_checksum_calculation="when_required",  # the newer sums are not known to every server
        response_checksum_validation="when_required",
    )
    return boto3.client("s3", config=config)


class Bucket:
    """Objects under a prefix, with the verbs of `portal.folder`. An object is there whole, or not at all."""

    said = staticmethod(said)

    def __init__(self, bucket, prefix):
        self.bucket, self.prefix = bucket, f"{prefix}/" if prefix else ""

    def answers(self):
        with said():
            client(attempts=1).head_bucket(Bucket=self.bucket)
        return True

    def put(self, name, pieces):
        """Send with an MD5, which every server checks."""
        with tempfile.TemporaryFile() as file, said():
            md5 = hashlib.md5(usedforsecurity=False)
            for piece in pieces:
                md5.update(piece)
                file.write(piece)
            file.seek(0)
            checked = base64.b64encode(md5.digest()).decode()
            client().put_object(Body=file, ContentMD5=checked, **self.object(name))

    def open(self, name):
        with said():
            return client().get_object(**self.object(name))["Body"]

    def delete(self, name):
        with said():
            client().delete_object(**self.object(name))

    def names(self):
        with said():
            pages = client().get_paginator("list_objects_v2").paginate(Bucket=self.bucket, Prefix=self.prefix)
            for found in (found for page in pages for found in page.get("Contents", ())):
                yield found["Key"].removeprefix(self.prefix), found["LastModified"].replace(tzinfo=None)

    def object(self, name):
        return {"Bucket": self.bucket, "Key": self.prefix + name}
