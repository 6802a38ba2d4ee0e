"""The Hugging Face Hub: files of a shared folder, its model card, uploads and downloads."""

from vaekit.hub.model_card import model_card
from vaekit.hub.repository import (
    HubRepository,
    download_file,
    find_repository,
    parse_name,
    upload_folder,
)
from vaekit.hub.shared_folder import check_target, is_shared, max_bytes

__all__ = [
    "HubRepository",
    "check_target",
    "download_file",
    "find_repository",
    "is_shared",
    "max_bytes",
    "model_card",
    "parse_name",
    "upload_folder",
]
