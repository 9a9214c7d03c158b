"""Messages, not trials: templates, rendering, telephone numbers, carriers.

Knows nothing of patients, studies, Flask or the database: values in, a text or a carrier call out.
"""
