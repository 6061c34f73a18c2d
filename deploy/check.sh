#!/usr/bin/env bash
# Checks an installed machine, as root: sudo bash deploy/check.sh portail.example. A line a thing; exit 1 when one is wrong.
# ROOT=/elsewhere looks at the files of another tree; ONLY="files backups" does these checks alone.
set -uo pipefail
NAME="${1:-}"
ROOT="${ROOT:-}"
ONLY="${ONLY:-files settings units ports tls headers backups disk}"
TLS_PORT="${TLS_PORT:-443}"
OLDEST_HOURS=26
wrong=0

ok() { echo "ok     $1"; }
fault() { echo "FAUTE  $1"; wrong=$((wrong + 1)); }
check() { local said="$1"; shift; if "$@" >/dev/null 2>&1; then ok "$said"; else fault "$said"; fi; }
mode_is() { [ "$(stat -c %a "$ROOT$1" 2>/dev/null)" = "$2" ]; }
owner_is() { [ "$(stat -c %U "$ROOT$1" 2>/dev/null)" = "$2" ]; }
none() { [ -z "$("$@" 2>/dev/null | head -1)" ]; }
younger_than() { [ -n "$(find "$1" -mmin "-$((OLDEST_HOURS * 60))" 2>/dev/null)" ]; }
# The machine of an address; nothing for a file or a socket.
host_of() {
    local rest="${1#*:}"
    [[ $rest == //* ]] || return
    [[ $1 =~ [?\&]host=([^&]*) ]] && { [[ ${BASH_REMATCH[1]} == /* || ${BASH_REMATCH[1]} == %2[Ff]* ]] || echo "${BASH_REMATCH[1]}"; return; }
    rest="${rest#//}"; rest="${rest%%[/?]*}"; rest="${rest##*@}"
    if [[ $rest == \[* ]]; then echo "${rest%%]*}]"; else echo "${rest%%:*}"; fi
}
# A setting is empty, or of this machine, or its address is as it should be for a line to another one.
proved() {
    local url; url="$(setting "$1")"
    case "$(host_of "$url")" in "" | localhost | 127.* | "[::1]") return 0 ;; esac
    [[ $url =~ $2 ]]
}
setting() { sed -n "s/^$1=//p" "$ROOT/etc/trait-d-union.env" 2>/dev/null | tail -1; }

files() {
    for file in /etc/trait-d-union.env /etc/trait-d-union-backup.env; do
        check "$file : lisible de root seul (0400)" mode_is "$file" 400
        check "$file : appartient à root" owner_is "$file" root
    done
    if [ -e "$ROOT/etc/trait-d-union-owner.env" ]; then
        check "/etc/trait-d-union-owner.env : lisible de root seul (0400)" mode_is /etc/trait-d-union-owner.env 400
        check "/etc/trait-d-union-owner.env : appartient à root" owner_is /etc/trait-d-union-owner.env root
    fi
    check "/var/lib/trait-d-union : rien pour les autres" none find "$ROOT/var/lib/trait-d-union" -perm /077 ! -type l
    check "/var/backups/trait-d-union : rien pour les autres" none find "$ROOT/var/backups/trait-d-union" -perm /077 ! -type l
    check "/srv/trait-d-union : le code n’est pas à l’utilisateur portal" none find "$ROOT/srv/trait-d-union" -user portal
    check "/srv/trait-d-union : personne d’autre que son propriétaire n’y écrit" none find "$ROOT/srv/trait-d-union" -perm /022 ! -type l
}

settings() {
    check "DEMO n’est pas 1" test "$(setting DEMO)" != 1
    check "PUBLIC_URL commence par https://" grep -q "^PUBLIC_URL=https://" "$ROOT/etc/trait-d-union.env"
    check "BACKUP_KEY n’est pas dans l’environnement du serveur" test -z "$(setting BACKUP_KEY)"
    check "DATABASE_OWNER_URL n’est pas dans l’environnement du serveur" test -z "$(setting DATABASE_OWNER_URL)"
    check "DATABASE_URL : sur une autre machine, la base prouve son nom (sslmode=verify-full)" proved DATABASE_URL '[?&]sslmode=verify-full(&|$)'
    check "SMTP_URL : vers une autre machine, smtps://" proved SMTP_URL '^smtps:'
    check "SMS_URL : vers une autre machine, https://" proved SMS_URL '^https:'
    check "AWS_ENDPOINT_URL : vers une autre machine, https://" proved AWS_ENDPOINT_URL '^https:'
    check "CLAMD_URL : sur cette machine, la ligne n’est pas chiffrée" proved CLAMD_URL '^unix:'
    check "AUDIT_HEADS_DIR est donné" test -n "$(setting AUDIT_HEADS_DIR)"
    check "La tête du journal d’audit a été notée depuis $OLDEST_HOURS h" younger_than "$ROOT$(setting AUDIT_HEADS_DIR)/audit-heads.txt"
}

units() {
    for unit in portal.service portal-worker.service portal-backup.timer nginx.service; do
        check "$unit tourne" systemctl is-active "$unit"
        check "$unit démarre avec la machine" systemctl is-enabled "$unit"
    done
    check "La dernière sauvegarde a réussi" test "$(systemctl show -P Result portal-backup.service)" = success
    for unit in portal.service portal-worker.service portal-backup.service; do
        check "$unit : bac à sable (systemd-analyze security, au plus 2,0)" systemd-analyze security --threshold=20 "$unit"
    done
}

ports() {
    local open
    open="$(ss -Hltn | awk '{print $4}' | grep -vE '^(127\.|\[::1\]|\[::ffff:127\.)' | sed 's/.*://' | sort -un | tr '\n' ' ')"
    check "Ouverts au-dehors : 22, 80 et 443 au plus (trouvés : $open)" none grep -vxE '22|80|443' <(tr ' ' '\n' <<<"$open" | sed '/^$/d')
    check "Le portail n’écoute qu’ici" grep -q '^127.0.0.1:5000$' <(ss -Hltn | awk '{print $4}')
}

handshake() { timeout 10 openssl s_client -connect "$NAME:$TLS_PORT" -servername "$NAME" "$@" </dev/null; }
refused() { ! handshake "$@"; }

tls() {
    check "TLS 1.3" handshake -tls1_3
    check "TLS 1.2" handshake -tls1_2
    check "TLS 1.1 est refusé" refused -tls1_1 -cipher 'ALL:@SECLEVEL=0'
    check "Un chiffre sans secret persistant est refusé" refused -tls1_2 -cipher AES128-GCM-SHA256
    check "Le certificat est de ce nom, d’une autorité connue, et le reste 14 jours" eval 'handshake -verify_return_error -verify_hostname "$NAME" | openssl x509 -noout -checkend 1209600'
}

headers() {
    local got
    got="$(curl -sS -o /dev/null -D - --max-time 10 "https://$NAME/page-qui-n-existe-pas" 2>/dev/null | tr -d '\r')"
    for header in strict-transport-security content-security-policy x-content-type-options referrer-policy cross-origin-opener-policy; do
        check "$header est sur une page d’erreur, une fois" test "$(grep -ic "^$header:" <<<"$got")" = 1
    done
    check "http:// mène à https://" grep -qi "^location: https://$NAME/" <(curl -sS -o /dev/null -D - --max-time 10 "http://$NAME/" 2>/dev/null)
    check "/sante répond 200" curl -fsS --max-time 10 "https://$NAME/sante"
}

backups() {
    local last
    last="$(find "$ROOT/var/backups/trait-d-union" -mindepth 2 -maxdepth 2 -name manifest.json 2>/dev/null | sort | tail -1)"
    check "Il y a une sauvegarde" test -n "$last"
    check "La dernière a moins de $OLDEST_HOURS h" younger_than "${last:-/nowhere}"
    check "Aucune clé n’est avec elles" none grep -rlE '^(BACKUP_KEY|VAULT_KEYS|SECRET_KEY)=' "$ROOT/var/backups/trait-d-union"
}

disk() {
    for folder in /var/lib/trait-d-union /var/backups/trait-d-union /var/log; do
        check "$folder : plus de 15 % de place" test "$(df --output=pcent "$ROOT$folder" 2>/dev/null | tail -1 | tr -dc 0-9 || echo 100)" -le 85
    done
}

[ -n "$NAME" ] || [[ "$ONLY" != *tls* && "$ONLY" != *headers* ]] || { echo "Donnez le nom du portail : bash deploy/check.sh portail.example" >&2; exit 2; }
for part in $ONLY; do "$part"; done
[ "$wrong" = 0 ] && echo "Tout est en ordre." || { echo "À reprendre : $wrong."; exit 1; }
