"""A process that upgrades an empty base and is killed again and again in the middle, for `test_upgrades`."""

import json
import random
import sys

from app import create_app
from portal import commands, database
from portal.models import db
from tests.crashing import at_a_statement, doomed, forked

MOST = 60  # kills, before it is given up
LATEST = 130  # statements, and as many more as it takes to come through the longest migration


def main(chance):
    """Prints, for each time, [how it ended, migrations that are recorded, what the schema is], until one ends well."""
    app, chance, names, stuck = create_app(), random.Random(int(chance)), [], 0
    for _ in range(MOST):
        left = chance.randrange(2, LATEST + 60 * stuck)
        end = forked(lambda left=left: doomed(at_a_statement(left), app, upgrade, "-"))
        with db.connection_context():
            before, (names, schema) = names, state(db)
        db.close_all()
        stuck = stuck + 1 if names == before else 0
        print(json.dumps([end, names, schema]))
        if not end:
            return


def upgrade(app, folder):
    commands.migrate(db)


def state(open_database):
    """(names that are recorded, the schema in words)."""
    runner = commands.Runner(database.real(open_database), str(commands.MIGRATIONS))
    return sorted(runner.applied()), database.describe(open_database)


if __name__ == "__main__":
    main(*sys.argv[1:])
