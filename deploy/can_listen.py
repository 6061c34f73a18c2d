"""Whether this machine may listen at HOST (first argument) and PORT: nothing, or why not, in one sentence."""

import errno
import socket
import sys
from ipaddress import ip_address


def main(host: str, port: str) -> str:
    try:
        family = socket.AF_INET6 if ip_address(host).version == 6 else socket.AF_INET
    except ValueError:  # the server takes no names
        return "HOST\u00a0: écrivez une adresse IP de cette machine, par exemple 127.0.0.1 ou 0.0.0.0."
    if not (port.isascii() and port.isdigit() and 0 < int(port[:6]) < 65_536):
        return "PORT\u00a0: écrivez un nombre de 1 à 65535."
    try:
        socket.create_server((host, int(port)), family=family).close()
    except OSError as fault:
        return WHY.get(fault.errno or 0, OTHERWISE).format(port)
    return ""


# Granian would share a port that is taken: two portals would answer in turn.
WHY = {
    errno.EADDRINUSE: (
        "Le port {} est déjà pris\u00a0: le portail y tourne peut-être. Arrêtez-le, ou choisissez-en un autre"
        "\u00a0: make run PORT=5001"
    ),
    errno.EACCES: "PORT\u00a0: le port {} est réservé à l’administrateur. Prenez-en un au-dessus de 1023.",
}
OTHERWISE = "HOST\u00a0: ce n’est pas une adresse de cette machine. Écrivez par exemple 127.0.0.1 ou 0.0.0.0."

if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]) or 0)
