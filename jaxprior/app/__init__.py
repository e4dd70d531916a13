"""A page in the browser, `jaxprior app`: it holds words and layout, and everything else computes the library.

    serving.py    the server: where it listens, what it refuses, how it ends
    page.py       what the buttons of the page do; only this file and panels.py know Gradio
    panels.py     what the page looks like, tab by tab
    tasks.py      what most buttons ask of the library; moving.py and painting.py: the tabs Move and Paint
    answering.py  a button that is pressed becomes a job, and its answers a view
    jobs.py       one such piece of work in a thread: watched, stopped, limited in time
    live.py       what is shown of it while it goes on
    photos.py     a photograph that came from the browser, and the mask that was painted on it
    choices.py    the priors and restorers that there are, in words
    limits.py     how large a photograph may be, and how long a job may take

Gradio is imported by page.py and panels.py alone, which are imported when the page is made.
"""
