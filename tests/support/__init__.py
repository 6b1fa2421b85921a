"""What the tests share: pictures as published, a typed command line, audited studies, a browser."""
