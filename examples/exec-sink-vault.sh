#!/bin/sh
# Keep the newest key of each embed user in HashiCorp Vault, in a key-value store of version 2.
#
#     embedctl apply users.csv --keys-to 'exec:examples/exec-sink-vault.sh secret looker'
#
# The arguments are the mount and a folder in it; VAULT_ADDR and VAULT_TOKEN are Vault's own. The key goes to Vault on
# its standard input, never as an argument, which every process of the machine could read. See exec-sink.sh for what
# embedctl asks.
set -eu

mount=$1
folder=$2
input=$(cat)

# The value of a field whose text needs no escapes, as ids have.
field() {
    printf '%s\n' "$input" | sed -n "s/.*\"$1\":\"\([A-Za-z0-9._-]*\)\".*/\1/p"
}

path=$folder/$(field looker_user_id)

case $(field action) in
    probe)
        vault token lookup >/dev/null
        ;;
    store)
        printf '%s\n' "$input" | sed 's/"action":"store",//' | vault kv put "-mount=$mount" "$path" - >/dev/null
        ;;
    check)
        if kept=$(vault kv get "-mount=$mount" -field=client_id "$path" 2>&1); then
            test "$kept" = "$(field client_id)" || exit 1
        else
            # Vault exits with 2 where there is nothing, and where it cannot be asked.
            case $kept in
                *'No value found'*) exit 1 ;;
                *) echo "$kept" >&2; exit 2 ;;
            esac
        fi
        ;;
    *)
        echo "unknown action" >&2
        exit 64
        ;;
esac
