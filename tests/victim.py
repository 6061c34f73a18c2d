"""A process that keeps files for ever, and one that kills it again and again, for `test_places_of_files`."""

import io
import os
import random
import signal
import sys
import time

from portal import database, models, storage
from portal.storage import place_of


def main(database_url, storage_url, keys, kills):
    models.db.initialize(database.connect(database_url))
    models.vault.use([bytes.fromhex(key) for key in keys.split(",")])
    storage.store.place = place_of(storage_url)
    chance = random.Random(4)
    for _ in range(int(kills)):
        child = os.fork()
        if not child:
            keep_for_ever()
        time.sleep(chance.uniform(0.005, 0.12))
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)


def keep_for_ever():
    models.db.connect()
    content = os.urandom(400_000)
    for number in range(10**6):
        row = storage.file_away(io.BytesIO(content), f"{number}.bin", "application/octet-stream", account=None)
        with models.db.atomic():
            row.attach()


if __name__ == "__main__":
    main(*sys.argv[1:])
