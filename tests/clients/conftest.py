"""Programs that run under an interpreter of their own, which has what they import."""

collect_ignore = ["drive_django.py", "drive_pgcli.py"]
