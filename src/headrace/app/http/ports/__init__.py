"""What HTTP and the console ask of the rest of Headrace: :mod:`headrace.app.inside` and :mod:`headrace.app.people` answer."""
