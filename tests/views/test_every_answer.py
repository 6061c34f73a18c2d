"""What every page says of itself: its type, to this site alone, with a way out, and no password typed in clear."""

import re

from tests.journeys.test_every_page import PAGES
from tests.walking import World

OUT = 'action="/deconnexion"'
BEFORE = ("visitor", "employee", "half", "bare")  # not signed in, or not yet
PASSWORD = re.compile(r'<input[^>]*autocomplete="(?:current|new)-password"[^>]*>')


def test_every_page_says_what_it_is_to_this_site_alone_and_can_be_left(app, database):
    passwords = 0
    for name, client, answer in World().walk(app):
        page = answer.get_data(as_text=True)
        assert answer.headers["Content-Type"] == "text/html; charset=utf-8", name
        again = client.get(answer.request.path, headers={"Origin": "https://ailleurs.example"})
        assert not any(header.startswith("Access-Control-") for header, _ in again.headers), name
        assert OUT in page or PAGES[name][1] in BEFORE, name
        typed = PASSWORD.findall(page)
        assert all('type="password"' in box for box in typed), name
        passwords += len(typed)
    assert passwords
