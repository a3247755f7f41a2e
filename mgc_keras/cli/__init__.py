"""The console command ``mgc-keras``: a module a sub-command, found by its name.

Begin with `main`. A command is a module with HELP, EPILOG, ``add_arguments(parser)`` and ``run(arguments)``, which
returns the exit code, and ``resumes(arguments)`` if it can go on where it was stopped. A module whose name begins with
an underscore is shared by commands.
"""
