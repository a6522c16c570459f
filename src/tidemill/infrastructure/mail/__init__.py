"""Mail by SMTP, or as files in a directory."""

from tidemill.infrastructure.mail.files import FileMailer
from tidemill.infrastructure.mail.smtp import SmtpMailer, SmtpServer

__all__ = ["FileMailer", "SmtpMailer", "SmtpServer"]
