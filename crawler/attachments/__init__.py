"""Text of attachments: from the bytes of a capture to pages that can be searched.

    capture ──> child process ──> document.py: what is it?
    (WARC)      (time, memory)    pdf.py, docx.py: its pages  ──> storage.database.attachments

Attachments are read when a crawl is over, never while it keeps: text follows from bytes that are
kept, so there is no hurry, and whatever was not read yet is read the next time.
"""
