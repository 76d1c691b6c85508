#!/bin/sh
# Keep the newest key of each embed user where a command-line tool puts it. The first word names the tool:
#
#     --keys-to 'exec:examples/exec-sink-stores.sh age FOLDER RECIPIENT'      files that only age's RECIPIENT can read
#     --keys-to 'exec:examples/exec-sink-stores.sh sops FOLDER RECIPIENT'     the same as SOPS documents, for age's RECIPIENT
#     --keys-to 'exec:examples/exec-sink-stores.sh azure VAULT'               Azure Key Vault, with `az`
#     --keys-to 'exec:examples/exec-sink-stores.sh 1password VAULT'           1Password, with `op`
#     --keys-to 'exec:examples/exec-sink-stores.sh doppler PROJECT CONFIG'    Doppler, with `doppler`
#
# Each tool gets the key on its standard input, never as an argument, which every process of the machine could read. See
# exec-sink.sh for what embedctl asks. With AGE_IDENTITY, or SOPS's own SOPS_AGE_KEY_FILE, a file of keys, `check` can
# answer for files too; without it, nobody here can read them, and embedctl is told so.
set -eu
umask 077

tool=$1
input=$(cat)

# The value of a field whose text needs no escapes, as ids and secrets of Looker's have.
field() {
    printf '%s\n' "$input" | sed -n "s/.*\"$1\":\"\([A-Za-z0-9._-]*\)\".*/\1/p"
}

key() {
    printf '%s\n' "$input" | sed 's/"action":"store",//'
}

user=$(field looker_user_id)

# Whether the stored key, on standard input, is the one that is asked about: 0 or 1.
is_it() {
    grep -q "\"client_id\": *\"$(field client_id)\""
}

# Put standard input into a file, whole or not at all.
whole() {
    cat >"$1.partial"
    sync "$1.partial"
    mv "$1.partial" "$1"
    sync "$(dirname "$1")"
}

case $tool-$(field action) in
    age-probe | sops-probe)
        test -w "$2"
        printf '{}' | { test "$tool" = sops || age --encrypt --recipient "$3" >/dev/null; }
        ;;
    age-store)
        sealed=$(mktemp)
        key | age --encrypt --armor --recipient "$3" >"$sealed"
        whole "$2/$user.age" <"$sealed"
        rm "$sealed"
        ;;
    age-check)
        test -e "$2/$user.age" || exit 1
        test -n "${AGE_IDENTITY:-}" || exit 2
        opened=$(age --decrypt --identity "$AGE_IDENTITY" "$2/$user.age") || exit 2
        printf '%s\n' "$opened" | is_it || exit 1
        ;;
    sops-store)
        sealed=$(mktemp)
        key | sops encrypt --age "$3" --input-type json --output-type json --filename-override key.json /dev/stdin >"$sealed"
        whole "$2/$user.json" <"$sealed"
        rm "$sealed"
        ;;
    sops-check)
        test -e "$2/$user.json" || exit 1
        opened=$(sops decrypt "$2/$user.json") || exit 2
        printf '%s\n' "$opened" | is_it || exit 1
        ;;
    azure-probe)
        az keyvault show --name "$2" --output none
        ;;
    azure-store)
        key | az keyvault secret set --vault-name "$2" --name "looker-$user" --file /dev/stdin --encoding utf-8 --output none
        ;;
    azure-check)
        kept=$(az keyvault secret show --vault-name "$2" --name "looker-$user" --query value --output tsv) || exit 2
        printf '%s\n' "$kept" | is_it || exit 1
        ;;
    1password-probe)
        op vault get "$2" >/dev/null
        ;;
    1password-store)
        # One item a key: a title with the client id is found again, and an older item stays for the overlap.
        printf '{"title":"looker %s","category":"API_CREDENTIAL","fields":[{"id":"username","type":"STRING","value":"%s"},{"id":"credential","type":"CONCEALED","value":"%s"}]}' \
            "$(field client_id)" "$(field client_id)" "$(field client_secret)" | op item create --vault "$2" - >/dev/null
        ;;
    1password-check)
        op item get "looker $(field client_id)" --vault "$2" >/dev/null || exit 2
        ;;
    doppler-probe)
        doppler secrets --project "$2" --config "$3" --only-names >/dev/null
        ;;
    doppler-store)
        key | doppler secrets set "LOOKER_$user" --project "$2" --config "$3" --no-interactive --silent
        ;;
    doppler-check)
        kept=$(doppler secrets get "LOOKER_$user" --plain --project "$2" --config "$3") || exit 2
        printf '%s\n' "$kept" | is_it || exit 1
        ;;
    *)
        echo "unknown tool or action" >&2
        exit 64
        ;;
esac
