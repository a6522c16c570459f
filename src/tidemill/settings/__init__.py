"""Settings: named values with five sources, readable and changeable while Tidemill runs."""

from tidemill.settings.contract import SETTINGS, SettingChanged, Settings

__all__ = ["SETTINGS", "SettingChanged", "Settings"]
