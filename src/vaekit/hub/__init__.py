"""Runs on the Hugging Face Hub: what a shared folder holds, its model card, and the way there and back."""

from vaekit.hub.card import card
from vaekit.hub.contents import check_place, is_shared, most_bytes
from vaekit.hub.remote import Remote, check_name, fetch, find, upload

__all__ = ["Remote", "card", "check_name", "check_place", "fetch", "find", "is_shared", "most_bytes", "upload"]
