from __future__ import annotations

import base64
import hashlib
import hmac

from tidemill.automation.webhooks.signing import new_secret, signed_headers

# The example that the specification publishes.
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
BODY = b'{"test": 2432232314}'


def test_signed_headers_are_those_of_the_published_example() -> None:
    headers = signed_headers(
        "msg_p5jXN8AQM9LWM0D4loKWxJek", BODY, [SECRET], at_seconds=1_614_265_330
    )

    assert headers == {
        "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
        "webhook-timestamp": "1614265330",
        "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    }


def test_new_secret_is_one_that_receivers_can_use() -> None:
    secret = new_secret()
    key = base64.b64decode(secret.removeprefix("whsec_"), validate=True)
    wanted = base64.b64encode(hmac.new(key, b"m.1.x", hashlib.sha256).digest()).decode()

    assert signed_headers("m", b"x", [secret], at_seconds=1)["webhook-signature"] == f"v1,{wanted}"
    assert (len(key), secret == new_secret()) == (32, False)
