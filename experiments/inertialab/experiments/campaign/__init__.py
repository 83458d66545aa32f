"""Campaigns: image networks trained by every optimizer at published settings, in pieces that can be resumed."""
