"""Another process of the portal, for `test_processes`: prints the port on which it answers."""

from werkzeug.serving import make_server

from app import create_app
from tests.journeys.conftest import QuietHandler


def main():
    server = make_server("127.0.0.1", 0, create_app(), request_handler=QuietHandler)
    print(server.server_port, flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
