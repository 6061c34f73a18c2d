"""`python -m bench`: measures the portal beside its floors and prints figures; it never fails for a figure."""

import argparse

from bench import desk, download, exchanges, growth, imports, loading, messages, money, pages, places, wizard

MEASURES = ("pages", "growth", "download", "load", "imports", "wizard", "messages", "money", "exchanges", "desk")
FEW, MANY = 1_000, 1_000_000


def main():
    asked = read_arguments()
    for kind in asked.databases.split(","):
        measured = {}
        if "pages" in asked.only or "growth" in asked.only:
            with places.opened(kind, asked.size) as place:
                measured[asked.size] = pages.show(place, asked.seconds)
        if "growth" in asked.only:
            for size in (FEW, MANY) if asked.growth_million else (FEW,):
                with places.opened(kind, size) as place:
                    _, measured[size] = pages.measure(place, asked.seconds)
            growth.show(places.NAMES[kind], measured)
        if "download" in asked.only:
            with places.opened(kind, download.ROWS) as place:
                download.show(place)
        if "load" in asked.only:
            with places.opened(kind, 0) as place:
                loading.show(place, asked.size)
        if "imports" in asked.only:
            with places.opened(kind, 0) as place:
                imports.show(place)
        if "wizard" in asked.only:
            with places.opened(kind, 1_000) as place:
                wizard.show(place)
        if "messages" in asked.only:
            with places.opened(kind, 0) as place:
                messages.show(place)
        if "money" in asked.only:
            with places.opened(kind, 0, money.ACCOUNTS) as place:
                money.show(place, asked.seconds)
        if "exchanges" in asked.only:
            with places.opened(kind, 1_000) as place:
                exchanges.show(place, asked.seconds)
        if "desk" in asked.only:
            with places.opened(kind, desk.PEOPLE, desk.ACCOUNTS) as place:
                desk.show(place, asked.seconds)


def read_arguments():
    parser = argparse.ArgumentParser(prog="python -m bench", description="La vitesse du portail et de ses planchers.")
    parser.add_argument("--size", type=int, default=100_000, help="bénéficiaires (100000)")
    parser.add_argument("--databases", default="sqlite,postgresql", help="sqlite,postgresql")
    parser.add_argument("--only", type=lambda text: text.split(","), default=MEASURES, help=",".join(MEASURES))
    parser.add_argument("--seconds", type=int, default=4, help="durée de chaque mesure (4)")
    parser.add_argument("--growth-million", action="store_true", help="mesurer aussi 1 000 000 de bénéficiaires")
    return parser.parse_args()


if __name__ == "__main__":
    main()
