"""Runs on the Hugging Face Hub: what a shared folder holds, its model card, and the way there and back."""

from vaekit.hub.card import card
from vaekit.hub.contents import check_place, is_shared, most_bytes
from vaekit.hub.remote import (
    HubRepository,
    check_name,
    download_file,
    find_repository,
    upload_folder,
)

__all__ = [
    "HubRepository",
    "card",
    "check_name",
    "check_place",
    "download_file",
    "find_repository",
    "is_shared",
    "most_bytes",
    "upload_folder",
]
