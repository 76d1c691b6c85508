"""Tests of a product that embeds Looker, with Looker's official Python SDK."""

import looker_sdk


def test_a_new_tenant_gets_a_key_that_is_its_own(embedctl, monkeypatch):
    created = embedctl("create-user", "tenant-1", "--model", "demo", "--permission", "access_data", "--keys-to", "stdout")

    monkeypatch.setenv("LOOKERSDK_CLIENT_ID", created["key"]["client_id"])
    monkeypatch.setenv("LOOKERSDK_CLIENT_SECRET", created["key"]["client_secret"])
    tenant = looker_sdk.init40()

    assert tenant.me().id == created["looker_user_id"]
    tenant.auth.logout()


def test_a_tenant_is_made_once(embedctl):
    first = embedctl("create-user", "tenant-2", "--no-key")
    second = embedctl("create-user", "tenant-2", "--no-key")

    assert [first["outcome"], second["outcome"]] == ["created", "unchanged"]
    assert first["looker_user_id"] == second["looker_user_id"]
