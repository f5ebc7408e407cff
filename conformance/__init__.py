"""Do a gateway's checks hold on every door? A program that attacks any running gateway from outside; see README.md."""
