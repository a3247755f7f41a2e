"""The console command ``mgc-keras``: a module a sub-command, found by its name.

Begin with `main`. A command is a module with HELP, EPILOG, ``add_arguments(parser)`` and ``run(arguments)``, which
returns the exit code; a module whose name begins with an underscore is shared by commands.
"""
