"""Takes the pictures of the guide and of the README, from the portal itself on its demonstration data."""

import datetime
import tempfile
import threading
from pathlib import Path

from PIL import Image
from playwright.sync_api import sync_playwright
from werkzeug.serving import make_server

ROOT = Path(__file__).parent.parent
SIZE = {"width": 1366, "height": 900}


def main():
    with tempfile.TemporaryDirectory() as folder:
        app = demonstration(Path(folder))
        server = make_server("127.0.0.1", 0, app, threaded=True)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path="/usr/lib/chromium/chromium")
            context = browser.new_context(
                base_url=f"http://127.0.0.1:{server.server_port}", viewport=SIZE, locale="fr-FR"
            )
            take(context.new_page(), app.settings.demo_password)
        server.shutdown()


def demonstration(folder):
    import sys

    sys.path.insert(0, str(ROOT))
    from app import create_app
    from portal import commands, models, settings

    app = create_app(settings=settings.read({"DEMO": "1", "INSTANCE": str(folder)}))
    with app.app_context(), models.db.connection_context():
        commands.migrate(models.db)
        commands.fill(seed=1, scale=1)
    return app


def take(page, password):
    page.goto("/connexion")
    keep(page, "connexion")
    page.get_by_label("Identifiant").fill("multi@demo.example")
    page.get_by_label("Mot de passe").fill(password)
    page.get_by_role("button", name="Se connecter").click()
    page.goto("/salaries?perimetre=C004127")
    page.locator("tbody a").nth(4).click()
    page.locator(".ui-panel").wait_for()
    keep(page, "salaries")
    page.screenshot(path=ROOT / "docs" / "pictures" / "salaries.png")
    page.get_by_role("link", name="Voir la fiche complète").click()
    page.get_by_role("heading", name="Identité").wait_for()
    keep(page, "fiche")
    page.goto("/salaries?perimetre=C004127")
    page.locator(".ui-scope summary").first.click()
    keep(page, "perimetre")
    page.goto("/affiliations?perimetre=C004127")
    page.get_by_role("link", name="entrees-du-mois.csv").click()
    keep(page, "rapport")
    page.goto("/salaries?perimetre=C004127&qualite=salarie")
    page.locator("tbody a").nth(4).click()
    page.locator(".ui-panel").get_by_role("link", name="Radier").click()
    page.get_by_label("Dernier jour dans l’entreprise").fill(f"{datetime.date.today():%d/%m/%Y}")
    page.get_by_label("Motif").select_option("licenciement")
    page.get_by_text("Fin de la couverture").wait_for()
    keep(page, "radiation")
    page.goto("/adhesion?perimetre=C004127")
    keep(page, "adhesions")
    page.get_by_role("link", name="Reprendre").nth(1).click()
    page.get_by_role("link", name="Le salarié").click()
    page.get_by_role("heading", name="Le salarié").wait_for()
    keep(page, "adhesion")


def keep(page, name):
    """A light WebP in static/guide, where the help pages find it."""
    page.wait_for_load_state("networkidle")
    folder = ROOT / "static" / "guide"
    folder.mkdir(exist_ok=True)
    page.screenshot(path=folder / f"{name}.png")
    with Image.open(folder / f"{name}.png") as picture:
        picture.save(folder / f"{name}.webp", quality=70, method=6)
    (folder / f"{name}.png").unlink()


if __name__ == "__main__":
    main()
